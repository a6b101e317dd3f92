package memlimits

// Len returns how many buckets are kept.
func (l *Limiter) Len() (n int) {
	for i := range l.shards {
		n += len(l.shards[i].next)
	}
	return n
}
