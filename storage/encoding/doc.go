// Package encoding turns values into the bytes that the store holds: key parts,
// whose order as bytes is the order of the values, and rows, of which any
// column can be read without decoding the rest.
//
// # Key parts
//
// Three properties hold for every part, and the property tests state them:
//
//   - order: bytes.Compare of two parts is relation.Compare of their values,
//     turned round where Part.Desc says so, with null where Part.NullsFirst says;
//   - prefix-free: no part is a prefix of another, so a key of several parts
//     sorts by its first part, then by its second;
//   - canonical: equal values of one family have equal bytes, whatever their kind
//     (int2 and int8, enum and text, 1.0 and 1.00), and no other bytes decode.
//
// The first byte of a part says what follows:
//
//	0x01            null, NullsFirst            never inverted
//	0xFE            null, otherwise             never inverted
//
//	0x02 0x03       false, true
//	0x10 … 0x17     integer < 0: 8 … 1 bytes follow, big-endian, of its complement, inverted
//	0x18 … 0xDF     integer 0 … 199, nothing follows
//	0xE0 … 0xE7     integer ≥ 200: 1 … 8 bytes follow, big-endian
//	0x02            float: 8 bytes, sign-adjusted, NaN above all numbers
//	0x02            text, JSON, bytes: escaped (00 → 00 FF), ended by 00 01
//	0x02            uuid: 16 bytes
//	0x03 … 0x08     decimal: -Infinity, < 0, 0, > 0, Infinity, NaN; a number is
//	                0.DDDD × 10^E: E as an integer, then two digits d a byte as
//	                2d+1, the last as 2d; all inverted where < 0
//	0xF8            array: its elements' parts, then between two 01 its bounds where
//	                they do not begin with 1, ended by 00
//
// Dates, times and timestamps are integers; an interval is two of them, its
// length in days of 24 hours and months of 30 days, and the rest of a day.
// Desc inverts every byte of a part that is not null.
//
// # Rows
//
//	version │ flags │ count │ 2 bits a column │ slots of the columns │ variable data
//
// The two bits say null (00), value (01) or error (10). A fixed kind's slot
// holds its value; a variable kind's slot holds where its data ends, in 2 bytes,
// or in 4 where flags say so; its data begins where that of the variable column
// before it ends. An error's code stands in place of the value. Trailing nulls are not
// written, so a column added at the end changes no stored row.
package encoding
