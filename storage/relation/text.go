package relation

import (
	"fmt"
	"strconv"
	"time"
)

// ParseText stand-in.
func ParseText(t Type, s string) (Value, error) {
	switch t.Kind {
	case Bool:
		return OfBool(s == "t"), nil
	case Int2, Int4, Int8:
		n, err := strconv.ParseInt(s, 10, 64)
		return OfInt(t.Kind, n), err
	case Float4, Float8:
		f, err := strconv.ParseFloat(s, 64)
		return OfFloat(t.Kind, f), err
	case Text, Enum, JSON:
		return OfString(t.Kind, s), nil
	case Timestamp:
		x, err := time.Parse("2006-01-02 15:04:05.999999999Z07", s)
		if err != nil {
			x, err = time.Parse("2006-01-02 15:04:05.999999999", s)
		}
		return OfTimestamp(x.UnixMicro()), err
	}
	return Value{}, fmt.Errorf("stand-in")
}
