package batch

// fewest is up to how many values few keeps in a list.
const fewest = 8

// few finds values by their names. Nearly every account has no open hold, or
// one: as long as they are few they lie in a list, because a map keeps the room
// that it once needed. Its zero value is empty and takes no memory.
type few[V any] struct {
	list []named[V]
	many *many[V] // instead of the list, once there were too many for it
}

type named[V any] struct {
	name  string
	value V
}

type many[V any] struct {
	of   map[string]V
	most int // that were in it at once
}

func (f *few[V]) size() int {
	if f.many != nil {
		return len(f.many.of)
	}
	return len(f.list)
}

func (f *few[V]) get(name string) (v V, found bool) {
	if f.many != nil {
		v, found = f.many.of[name]
		return v, found
	}
	if i := f.at(name); i >= 0 {
		return f.list[i].value, true
	}
	return v, false
}

func (f *few[V]) set(name string, v V) {
	i := f.at(name)
	switch {
	case f.many != nil:
		f.many.set(name, v)
	case i >= 0:
		f.list[i].value = v
	case len(f.list) < fewest:
		f.list = append(f.list, named[V]{name, v})
	default:
		f.many = &many[V]{of: make(map[string]V, 2*fewest)}
		for _, n := range f.list {
			f.many.set(n.name, n.value)
		}
		f.many.set(name, v)
		f.list = nil
	}
}

// remove takes a value out, and gives back what most of the rest do not need.
func (f *few[V]) remove(name string) {
	if m := f.many; m != nil {
		delete(m.of, name)
		switch {
		case len(m.of) <= fewest/2:
			f.many = nil
			for name, v := range m.of {
				f.list = append(f.list, named[V]{name, v})
			}
		case len(m.of) <= m.most/4:
			smaller := &many[V]{of: make(map[string]V, len(m.of))}
			for name, v := range m.of {
				smaller.set(name, v)
			}
			f.many = smaller
		}
		return
	}
	i, last := f.at(name), len(f.list)-1
	if i < 0 {
		return
	}
	f.list[i] = f.list[last]
	f.list[last] = named[V]{}
	f.list = f.list[:last]
	if last == 0 {
		f.list = nil
	}
}

// at is where in the list a name is, -1 if it is not there.
func (f *few[V]) at(name string) int {
	for i := range f.list {
		if f.list[i].name == name {
			return i
		}
	}
	return -1
}

func (m *many[V]) set(name string, v V) {
	m.of[name] = v
	m.most = max(m.most, len(m.of))
}
