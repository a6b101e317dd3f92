//go:build unix

package harness

import "sync"

// Parallel calls do(0) to do(n-1), at most width of them at once, and returns
// when all have.
func Parallel(n, width int, do func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, width) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
