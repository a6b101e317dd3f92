package inference

import "bytes"

// place says where an object stands, which decides what its members mean.
type place uint8

const (
	placeAny     place = iota
	placeBody          // the request itself
	placeOptions       // a chat's stream_options
	placeHeld          // an object that is a reference if it has an id
	placeItems         // the array of input items of a response
	placeItem          // one of them
)

// itemFacts is what an input item has. One without type and role is a reference
// by its id, and so is a generated image without its result.
type itemFacts struct {
	id, kind, result bool
	image            bool
}

// anyMember parses a value whose key, folded, is name, and notes whether it
// refers to an object that the upstream holds. Keys of all cases count, since an
// upstream may fold them. A schema that describes such a field is no reference:
// its value is an object.
func (s *scanner) anyMember(in place, name []byte) bool {
	switch string(name) {
	case "file_id", "file_ids", "vector_store_id", "vector_store_ids", "container", "container_id", "skill_id":
		return s.reference()
	case "audio", "voice":
		if s.peek() == '{' {
			return s.object(placeHeld)
		}
	case "id":
		if s.peek() == '"' {
			s.call.References = s.call.References || in == placeHeld
			s.item.id = s.item.id || in == placeItem
		}
	case "type":
		if s.peek() == '"' {
			return s.kind(in)
		}
	case "role":
		if in == placeItem && s.peek() == '"' {
			s.item.kind = true
		}
	case "result":
		if in == placeItem && s.peek() == '"' {
			s.item.result = true
		}
	}
	return s.value(placeAny)
}

// reference parses a value that refers if it is a string or a filled array.
func (s *scanner) reference() bool {
	from := s.pos
	first := s.peek()
	if !s.value(placeAny) {
		return false
	}
	switch first {
	case '"':
		s.call.References = true
	case '[':
		if len(bytes.TrimSpace(s.body[from+1:s.pos-1])) > 0 {
			s.call.References = true
		}
	}
	return true
}

// kind parses the string that names an object's type.
func (s *scanner) kind(in place) bool {
	t, ok := s.str()
	if !ok {
		return false
	}
	said := s.decoded(t)
	if s.call.Route == Responses && string(said) == "item_reference" {
		s.call.References = true
	}
	if in == placeItem {
		s.item.kind = true
		s.item.image = s.item.image || string(said) == "image_generation_call"
	}
	return true
}

// inputItem parses one object of a response's input.
func (s *scanner) inputItem() bool {
	s.item = itemFacts{}
	if !s.object(placeItem) {
		return false
	}
	if it := s.item; it.id && (!it.kind || it.image && !it.result) {
		s.call.References = true
	}
	return true
}
