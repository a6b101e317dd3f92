package guard

import (
	"regexp"
	"strings"
)

// digits are numbers as long as a card's, in one piece or in the groups that
// are printed on it.
var digits = regexp.MustCompile(`\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{3})?|\d{4}[ -]\d{6}[ -]\d{4,5}`)

// beside is what a number does not stand next to if it is a card's: it would be
// a part of something longer.
const beside = "0123456789_.,/+#$€£-:"

func hasCard(text string) bool {
	for _, at := range digits.FindAllStringIndex(text, -1) {
		if at[0] > 0 && (joins(text[at[0]-1]) && !(text[at[0]-1] == ':')) || at[1] < len(text) && joins(text[at[1]]) && !ends(text[at[1]:]) {
			continue
		}
		found := text[at[0]:at[1]]
		if strings.Contains(found, " ") && strings.Contains(found, "-") {
			continue
		}
		number := strings.NewReplacer(" ", "", "-", "").Replace(found)
		if issued(number) && luhn(number) {
			return true
		}
	}
	return false
}

func joins(b byte) bool {
	c := classOf(b)
	return c == 'a' || c == 'A' || strings.IndexByte(beside, b) >= 0
}

// ends reports whether what follows on a number is the end of its sentence.
func ends(rest string) bool {
	return strings.IndexByte(".,:", rest[0]) >= 0 && (len(rest) == 1 || classOf(rest[1]) == '-')
}

// issuers are what the numbers of cards begin with, and how long those are.
var issuers = []struct {
	from, to string
	lengths  []int
}{
	{"4", "4", []int{13, 16, 19}},
	{"51", "55", []int{16}},
	{"2221", "2720", []int{16}},
	{"34", "34", []int{15}},
	{"37", "37", []int{15}},
	{"6011", "6011", []int{16, 19}},
	{"644", "659", []int{16, 19}},
	{"3528", "3589", []int{16, 19}},
	{"300", "305", []int{14}},
	{"36", "36", []int{14}},
	{"38", "39", []int{14}},
	{"62", "62", []int{16, 17, 18, 19}},
}

// issued reports whether somebody issues cards with such numbers.
func issued(number string) bool {
	for _, i := range issuers {
		begin := number[:len(i.from)]
		if begin < i.from || begin > i.to {
			continue
		}
		for _, n := range i.lengths {
			if n == len(number) {
				return true
			}
		}
	}
	return false
}

// luhn reports whether the last digit checks the others (ISO/IEC 7812-1).
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0 && strings.Trim(number, number[:1]) != ""
}
