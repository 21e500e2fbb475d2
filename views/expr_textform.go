package views

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"odsd/storage/relation"
)

// parseText reads PostgreSQL's text form of the kinds that constants and casts use.
func parseText(t relation.Type, s string) (relation.Value, error) {
	bad := fmt.Errorf("not a value of type %s", t)
	switch t.Kind {
	case relation.Bool:
		b, err := strconv.ParseBool(s)
		return relation.OfBool(b), err
	case relation.Int2, relation.Int4, relation.Int8:
		n, err := strconv.ParseInt(s, 10, 64)
		return relation.OfInt(t.Kind, n), err
	case relation.Float8:
		f, err := strconv.ParseFloat(s, 64)
		return relation.OfFloat(relation.Float8, f), err
	case relation.Decimal:
		return relation.ParseDecimal(s)
	case relation.Date:
		d, err := time.Parse("2006-01-02", s)
		return relation.OfDate(d.Unix() / 86400), err
	case relation.Timestamp:
		for _, layout := range []string{"2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05.999999Z07", time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02"} {
			if d, err := time.Parse(layout, s); err == nil {
				return relation.OfTimestamp(d.UnixMicro()), nil
			}
		}
		return relation.Value{}, bad
	case relation.UUID:
		b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
		if err != nil || len(b) != 16 {
			return relation.Value{}, bad
		}
		return relation.OfString(relation.UUID, string(b)), nil
	}
	return relation.Value{}, bad
}

// appendText prints a value as PostgreSQL does.
func appendText(dst []byte, v relation.Value) []byte {
	switch v.Kind() {
	case relation.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case relation.Int2, relation.Int4, relation.Int8:
		return strconv.AppendInt(dst, v.Int(), 10)
	case relation.Decimal:
		return relation.AppendDecimal(dst, v)
	case relation.Float4, relation.Float8:
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64)
	case relation.Date:
		return time.Unix(v.Int()*86400, 0).UTC().AppendFormat(dst, "2006-01-02")
	case relation.Timestamp:
		return time.UnixMicro(v.Int()).UTC().AppendFormat(dst, "2006-01-02 15:04:05.999999+00")
	case relation.UUID:
		h := hex.EncodeToString([]byte(v.Str()))
		return append(dst, h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:]...)
	}
	return append(dst, v.Str()...)
}
