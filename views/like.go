package views

// Like is a pattern of SQL's LIKE or ILIKE, ready to be matched. It serves any
// number of goroutines.
type Like struct {
	pattern likePattern
	anyCase bool
}

// ParseLike reads a pattern: % stands for any text, _ for any character, and a
// backslash takes the next character as it is. It gives false for a pattern
// that ends with a lone backslash, which PostgreSQL refuses.
func ParseLike(pattern string, anyCase bool) (*Like, bool) {
	parsed, ok := parseLike(folded(pattern, anyCase))
	return &Like{pattern: parsed, anyCase: anyCase}, ok
}

// Matches says whether the whole text fits the pattern.
func (l *Like) Matches(s string) bool { return l.pattern.matches(folded(s, l.anyCase)) }
