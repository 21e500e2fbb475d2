package relation

import (
	"slices"
	"strconv"
	"strings"
)

// CompareArrays orders arrays as PostgreSQL's < does: by the elements one after the other,
// whatever the dimensions; then by how many there are, by the number of dimensions, by their
// lengths, and by where they begin. Compare has them in the order of their encoded parts, row by
// row, which differs where there are several dimensions or other bounds; the same are equal in both.
func CompareArrays(a, b Value) int {
	x, y := a.List(), b.List()
	if c := slices.CompareFunc(flat(x), flat(y), Compare); c != 0 {
		return c
	}
	lengthsX, lengthsY := dimensions(x), dimensions(y)
	if c := compareInts(int64(len(lengthsX)), int64(len(lengthsY))); c != 0 {
		return c
	}
	if c := slices.Compare(lengthsX, lengthsY); c != 0 {
		return c
	}
	return slices.Compare(begins(a, len(lengthsX)), begins(b, len(lengthsX)))
}

// flat lists the elements of inner arrays in their place.
func flat(list []Value) []Value {
	if !slices.ContainsFunc(list, func(v Value) bool { return v.kind == Array }) {
		return list
	}
	var all []Value
	for _, v := range list {
		if v.kind == Array {
			all = append(all, flat(v.List())...)
		} else {
			all = append(all, v)
		}
	}
	return all
}

// dimensions are the lengths of an array and of the arrays in it, which are of one length.
func dimensions(list []Value) []int {
	lengths := []int{len(list)}
	for len(list) > 0 && list[0].kind == Array {
		list = list[0].List()
		lengths = append(lengths, len(list))
	}
	return lengths
}

// begins are the first indexes of an array's dimensions.
func begins(v Value, dimensions int) []int {
	first := slices.Repeat([]int{1}, dimensions)
	rest := v.Bounds()
	for i := 0; i < dimensions && rest != ""; i++ {
		var low string
		low, rest, _ = strings.Cut(rest, ":")
		first[i], _ = strconv.Atoi(strings.TrimPrefix(low, "["))
		_, rest, _ = strings.Cut(rest, "]")
	}
	return first
}
