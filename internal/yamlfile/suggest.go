package yamlfile

import (
	"slices"
	"strings"
)

// Nearest finds the name that was probably meant: the one with the fewest
// edits, if those are few for its length. It is "" when nothing is near.
func Nearest(name string, among []string) string {
	const longest = 128 // beyond it nobody mistypes, and the table would be large
	if name == "" || len(name) > longest {
		return ""
	}
	best, bestDistance := "", max(1, len(name)/3)+1
	sorted := slices.Clone(among)
	slices.Sort(sorted)
	for _, candidate := range sorted {
		if candidate == name || len(candidate) > longest {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// DidYouMean words a suggestion, "" when nothing is near.
func DidYouMean(name string, among []string) string {
	if best := Nearest(name, among); best != "" {
		return `did you mean "` + best + `"?`
	}
	return ""
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	previous2, previous := make([]int, len(b)+1), make([]int, len(b)+1)
	current := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], previous2[j-2]+1)
			}
		}
		previous2, previous, current = previous, current, previous2
	}
	return previous[len(b)]
}
