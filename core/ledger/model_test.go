package ledger_test

import (
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// model is the ledger told a second time, as simply as can be: lot by lot,
// with a scan for each question. Nothing here calls the package's arithmetic.
type model struct {
	lots  []*modelLot
	holds map[string]*modelHold
	now   time.Time
	fixed map[string]modelFix // corrections by request
	seen  struct {
		splitHold, splitDebit, overage, lost, expiryInHold, deadReturn, unheld int
		splitCorrection, gaveBack, madeLot, notCorrected                       int
	}
}

type modelLot struct {
	id, source     string
	granted        int64
	left, reserved int64
	born, dies     time.Time
	fate           string // "" while live
}

type modelHold struct {
	nonce, state  string
	amount        int64
	from          []ledger.Part
	debited, lost int64
}

type answer struct {
	err           string
	replayed      bool
	debited, lost int64
}

func (m *model) lot(id string) *modelLot {
	for _, l := range m.lots {
		if l.id == id {
			return l
		}
	}
	return nil
}

func (m *model) spendable(l *modelLot) int64 {
	if l.fate != "" || !m.now.Before(l.dies) {
		return 0
	}
	return l.left - l.reserved
}

func (m *model) available() (sum int64) {
	for _, l := range m.lots {
		sum += m.spendable(l)
	}
	return sum
}

// pick takes from whichever spendable lot dies next until nothing is wanted.
func (m *model) pick(want int64) (parts []ledger.Part, short int64) {
	taken := map[string]bool{}
	for want > 0 {
		var best *modelLot
		for _, l := range m.lots {
			if taken[l.id] || m.spendable(l) == 0 {
				continue
			}
			if best == nil || l.dies.Before(best.dies) || l.dies.Equal(best.dies) && (l.born.Before(best.born) || l.born.Equal(best.born) && l.id < best.id) {
				best = l
			}
		}
		if best == nil {
			return parts, want
		}
		n := m.spendable(best)
		if n > want {
			n = want
		}
		taken[best.id] = true
		parts = append(parts, ledger.Part{Lot: best.id, Amount: n})
		want -= n
	}
	return parts, 0
}

// bury keeps the one rule of dead lots: they hold what is reserved, no more.
func (m *model) bury(by ledger.OpKind) {
	for _, l := range m.lots {
		if l.fate != "" {
			if l.left > l.reserved && by.Terminal() {
				m.seen.deadReturn++
			}
			l.left = l.reserved
		}
	}
}

func oneYear(t time.Time) time.Time {
	day := t.Day()
	if t.Month() == time.February && day == 29 {
		day = 28
	}
	return time.Date(t.Year()+1, t.Month(), day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func (m *model) apply(op ledger.Op) answer {
	if op.Kind == ledger.OpCorrect {
		return m.correct(op)
	}
	if op.Amount < 0 || op.Amount > 1_000_000_000_000_000 {
		return answer{err: "invalid_amount"}
	}
	h := m.holds[op.Request]
	defer m.bury(op.Kind)
	switch op.Kind {
	case ledger.OpGrant:
		return m.grant(op)
	case ledger.OpHold:
		return m.hold(op, h)
	case ledger.OpMark:
		switch {
		case h == nil:
			return answer{err: "unknown_hold"}
		case h.nonce != op.Nonce:
			return answer{err: "request_conflict"}
		case h.state != "open":
			return answer{err: "hold_closed"}
		}
	case ledger.OpSettle:
		return m.settle(op, h)
	case ledger.OpRelease:
		switch {
		case h == nil:
			return answer{err: "unknown_hold"}
		case h.nonce != op.Nonce:
			return answer{err: "request_conflict"}
		case h.state == "settled":
			return answer{err: "hold_closed"}
		case h.state == "released":
			return answer{replayed: true}
		}
		m.unreserve(h)
		h.state = "released"
	case ledger.OpSweep:
		for _, l := range m.lots {
			if l.fate == "" && !m.now.Before(l.dies) {
				l.fate = "expired"
			}
		}
	case ledger.OpClawback:
		l := m.lot(op.Lot)
		if l == nil {
			return answer{err: "unknown_lot"}
		}
		if l.fate == "clawed_back" {
			return answer{replayed: true}
		}
		l.fate = "clawed_back"
	case ledger.OpClose:
		for _, l := range m.lots {
			l.fate = "closed"
		}
	default:
	}
	return answer{}
}

func (m *model) grant(op ledger.Op) answer {
	if l := m.lot(op.Lot); l != nil {
		if l.granted != op.Amount || l.source != string(op.Source) {
			return answer{err: "request_conflict"}
		}
		return answer{replayed: true}
	}
	if op.Amount == 0 {
		return answer{err: "invalid_amount"}
	}
	total := op.Amount
	for _, l := range m.lots {
		total += l.left
	}
	if total > 1_000_000_000_000_000 {
		return answer{err: "amount_overflow"}
	}
	m.lots = append(m.lots, &modelLot{id: op.Lot, source: string(op.Source), granted: op.Amount, left: op.Amount, born: m.now, dies: oneYear(m.now)})
	return answer{}
}

func (m *model) hold(op ledger.Op, h *modelHold) answer {
	if h != nil {
		if h.nonce != op.Nonce || h.amount != op.Amount {
			return answer{err: "request_conflict"}
		}
		return answer{replayed: true}
	}
	from, short := m.pick(op.Amount)
	if short > 0 {
		return answer{err: "credits_exhausted"}
	}
	for _, p := range from {
		m.lot(p.Lot).reserved += p.Amount
	}
	if len(from) > 1 {
		m.seen.splitHold++
	}
	m.holds[op.Request] = &modelHold{nonce: op.Nonce, state: "open", amount: op.Amount, from: from}
	return answer{}
}

func (m *model) unreserve(h *modelHold) {
	for _, p := range h.from {
		l := m.lot(p.Lot)
		l.reserved -= p.Amount
		if !m.now.Before(l.dies) {
			m.seen.expiryInHold++
		}
	}
}

func (m *model) settle(op ledger.Op, h *modelHold) answer {
	if h != nil && h.nonce != op.Nonce {
		return answer{err: "request_conflict"}
	}
	if h != nil && h.state != "open" {
		if h.state == "released" || h.debited+h.lost != op.Amount {
			return answer{err: "hold_closed"}
		}
		return answer{replayed: true, debited: h.debited, lost: h.lost}
	}
	if h == nil {
		h = &modelHold{nonce: op.Nonce}
		m.holds[op.Request] = h
		m.seen.unheld++
	}
	m.unreserve(h)
	owed := op.Amount
	for _, p := range h.from {
		n := p.Amount
		if n > owed {
			n = owed
		}
		m.lot(p.Lot).left -= n
		owed -= n
	}
	over, lost := m.pick(owed)
	for _, p := range over {
		m.lot(p.Lot).left -= p.Amount
	}
	if len(over) > 0 && len(h.from) > 0 {
		m.seen.overage++
	}
	if lost > 0 {
		m.seen.lost++
	}
	h.state, h.debited, h.lost = "settled", op.Amount-lost, lost
	return answer{debited: h.debited, lost: lost}
}

// modelFix is a correction that was booked.
type modelFix struct {
	amount int64
	lots   map[string]bool
}

func (m *model) correct(op ledger.Op) (a answer) {
	if f, ok := m.fixed[op.Request]; ok {
		if f.amount != op.Amount || op.Lot != "" && (len(f.lots) != 1 || !f.lots[op.Lot]) {
			return answer{err: "request_conflict"}
		}
		return answer{replayed: true}
	}
	defer func() {
		if a.err != "" {
			m.seen.notCorrected++
		}
	}()
	if op.Amount == 0 {
		return answer{err: "invalid_amount"}
	}
	alive := func(l *modelLot) bool { return l.fate == "" && m.now.Before(l.dies) }
	if op.Lot != "" {
		switch l := m.lot(op.Lot); {
		case l == nil:
			return answer{err: "unknown_lot"}
		case !alive(l):
			return answer{err: "lot_not_live"}
		}
	}
	f := modelFix{amount: op.Amount, lots: map[string]bool{}}
	if op.Amount < 0 {
		parts, short := m.pick(-op.Amount)
		if op.Lot != "" {
			parts, short = []ledger.Part{{Lot: op.Lot, Amount: -op.Amount}}, -op.Amount-m.spendable(m.lot(op.Lot))
		}
		if short > 0 {
			return answer{err: "correction_not_covered"}
		}
		for _, p := range parts {
			m.lot(p.Lot).left -= p.Amount
			f.lots[p.Lot] = true
		}
		if len(parts) > 1 {
			m.seen.splitCorrection++
		}
	} else {
		to := m.lot(op.Lot)
		if to != nil && to.left+op.Amount > to.granted {
			return answer{err: "lot_full"}
		}
		total := op.Amount
		for _, l := range m.lots {
			total += l.left
		}
		if total > 1_000_000_000_000_000 {
			return answer{err: "amount_overflow"}
		}
		if to == nil { // the longest-lived that has room
			for _, l := range m.lots {
				if alive(l) && l.left+op.Amount <= l.granted &&
					(to == nil || l.dies.After(to.dies) || l.dies.Equal(to.dies) && (l.born.After(to.born) || l.born.Equal(to.born) && l.id > to.id)) {
					to = l
				}
			}
		}
		if to == nil {
			to = &modelLot{id: op.Spare, source: "correction", granted: op.Amount, born: m.now, dies: oneYear(m.now)}
			m.lots = append(m.lots, to)
			m.seen.madeLot++
		} else {
			m.seen.gaveBack++
		}
		to.left += op.Amount
		f.lots[to.id] = true
	}
	if m.fixed == nil {
		m.fixed = map[string]modelFix{}
	}
	m.fixed[op.Request] = f
	return answer{}
}
