package boot

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// list is a setting of the file that lists several things of a kind, such as
// upstreams. Each thing's fields are settings of their own too.
type list struct {
	name, item, article string
	fields              []string // as the file writes them
}

// spread makes settings of their own of a list in the file: upstream_url and so
// on of the first item, upstream_2_url of the second.
func (s *Source) spread(path string, l list) {
	node, ok := s.values[l.name]
	delete(s.values, l.name)
	if !ok {
		return
	}
	if node.Kind != yaml.SequenceNode || len(node.Content) == 0 {
		s.fault("%s, line %d: %s must be a list with at least one item", path, node.Line, l.name)
		return
	}
	for i, item := range node.Content {
		prefix := l.item + "_"
		if i > 0 {
			prefix += strconv.Itoa(i+1) + "_"
		}
		if item.Kind != yaml.MappingNode {
			s.fault("%s, line %d: %s %s has the fields %s", path, item.Line, l.article, l.item, strings.Join(l.fields, ", "))
			continue
		}
		for j := 0; j+1 < len(item.Content); j += 2 {
			field, value := item.Content[j], item.Content[j+1]
			_, taken := s.values[prefix+field.Value]
			switch {
			case !slices.Contains(l.fields, field.Value):
				s.fault("%s, line %d: %s %s has no field %q; its fields are %s", path, field.Line, l.article, l.item, field.Value, strings.Join(l.fields, ", "))
			case taken:
				s.fault("%s, line %d: %s%s is set twice, also on its own", path, field.Line, prefix, field.Value)
			default:
				s.values[prefix+field.Value] = *value
			}
		}
	}
}

// holds reports whether a key of the file is a field of one of the list's
// things after the first.
func (l list) holds(name string) bool {
	rest, ok := strings.CutPrefix(name, l.item+"_")
	number, field, cut := strings.Cut(rest, "_")
	n, err := strconv.Atoi(number)
	return ok && cut && err == nil && n >= 2 && slices.Contains(l.fields, field)
}

// begins reports whether a key of the file is a field of the list's first thing.
func (l list) begins(name string) bool {
	field, ok := strings.CutPrefix(name, l.item+"_")
	return ok && slices.Contains(l.fields, field)
}
