package inference

// maxIDBytes is the longest ID of an object that is kept upstream.
const maxIDBytes = 256

// ValidID reports whether id has the form of an upstream's ID: 1 to 256 letters,
// digits and any of -_.=: of which the first is a letter or a digit. So no such ID
// can be read as another path than its own.
func ValidID(id string) bool {
	if id == "" || len(id) > maxIDBytes {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '-' || c == '_' || c == '.' || c == '=' || c == ':'):
		default:
			return false
		}
	}
	return true
}

// Deleted returns the body that says that a response was deleted. The ID must be
// valid.
func Deleted(id string) []byte {
	return []byte(`{"id":"` + id + `","object":"response","deleted":true}`)
}
