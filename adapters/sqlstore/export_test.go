package sqlstore

import "context"

// Exec runs a statement past every rule of the port.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.write.ExecContext(ctx, statement)
	return err
}

// Count runs a statement that yields one number.
func (s *Store) Count(ctx context.Context, statement string) (n int64, err error) {
	err = s.write.QueryRowContext(ctx, statement).Scan(&n)
	return n, err
}

// Text runs a statement that yields one text.
func (s *Store) Text(ctx context.Context, statement string) (text string, err error) {
	err = s.write.QueryRowContext(ctx, statement).Scan(&text)
	return text, err
}
