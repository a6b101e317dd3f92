package relay

import "github.com/archibot/archibotchat/core/inference"

// Observer is told how a job goes on, by the goroutine that does it. It must not
// wait. A job without one is done at no cost to it.
type Observer interface {
	// Held tells that the job's credits are set aside, durably.
	Held()
	// Accepted tells which upstream took the call.
	Accepted(upstream string)
	// Settled and Released tell how the job's credits were ended, durably, or that
	// none were set aside after all. A job that ends without either may yet be
	// settled later on.
	Settled(b Bill, u inference.Usage)
	Released(b Bill)
	// Broke tells with what fault an answer broke off of which a part was sent.
	Broke(err error)
}

func (r *run) held() {
	if o := r.job.Observer; o != nil {
		o.Held()
	}
}

func (r *run) broke(err error) {
	if o := r.job.Observer; o != nil {
		o.Broke(err)
	}
}
