package seal

// SetBatch sets how many leaves a transaction appends at most.
func (s *Service) SetBatch(n int) { s.batch = n }

// Rest is the pause after a batch in the background.
var Rest = rest
