package oracle

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"odsd/storage/relation"
	"odsd/views"
)

// pageLength makes every view take several pages.
const pageLength = 60

// documents reads a view page by page through GraphQL, with all of its fields.
func (w *world) documents(ctx context.Context, v *views.View) ([]any, error) {
	selection := selectionOf(v, v.Nodes[0].Fields)
	var all []any
	for after := ""; ; {
		query := fmt.Sprintf("{ page: %sList(first: %d%s) { nodes { %s } pageInfo { hasNextPage endCursor } } }", v.Field, pageLength, after, selection)
		reply, err := w.insist(ctx, query)
		if err != nil {
			return nil, err
		}
		page := reply.Data["page"].(map[string]any)
		all = append(all, page["nodes"].([]any)...)
		info := page["pageInfo"].(map[string]any)
		if info["hasNextPage"] != true {
			return all, nil
		}
		after = fmt.Sprintf(", after: %q", info["endCursor"])
	}
}

// insist asks until there is an answer or an error that nothing excuses: at a
// barrier, too, a request may meet a connection that the server is closing.
func (w *world) insist(ctx context.Context, query string) (r *reply, err error) {
	err = wait(ctx, func() error {
		var err error
		r, err = ask(ctx, w.daemon.where(), query, "", "")
		if err != nil && !excused(err) {
			return &wrong{err}
		}
		return err
	})
	return r, err
}

func selectionOf(v *views.View, fields []*views.Field) string {
	var b strings.Builder
	for _, f := range fields {
		switch f.Kind {
		case views.OneField:
			fmt.Fprintf(&b, "%s { %s } ", f.GraphQL, selectionOf(v, f.Fields))
		case views.ManyField:
			fmt.Fprintf(&b, "%s { %s } ", f.GraphQL, selectionOf(v, v.Nodes[f.Node].Fields))
		default:
			b.WriteString(f.GraphQL + " ")
		}
	}
	return b.String()
}

// difference names the first cell of a document in which what GraphQL showed is
// not what PostgreSQL computed, "" if there is none.
func difference(v *views.View, shown any, computed []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(computed))
	var expected map[string]any
	if err := decoder.Decode(&expected); err != nil {
		return "", err
	}
	return objectDifference(v, v.Nodes[0].Fields, v.Name, shown, expected)
}

func objectDifference(v *views.View, fields []*views.Field, path string, shown, expected any) (string, error) {
	if shown == nil && expected == nil {
		return "", nil
	}
	s, isObject := shown.(map[string]any)
	e, _ := expected.(map[string]any)
	if !isObject || e == nil {
		return fmt.Sprintf("%s is %v, want %v", path, shown, expected), nil
	}
	for _, f := range fields {
		if f.Kind == views.ManyField && v.Nodes[f.Node].Hidden {
			continue
		}
		d, err := fieldDifference(v, f, path+"."+f.Name, s[f.GraphQL], e[f.Name])
		if d != "" || err != nil {
			return d, err
		}
	}
	return "", nil
}

func fieldDifference(v *views.View, f *views.Field, path string, shown, expected any) (string, error) {
	switch f.Kind {
	case views.OneField:
		return objectDifference(v, f.Fields, path, shown, expected)
	case views.ManyField:
		return listDifference(v, v.Nodes[f.Node].Fields, path, shown, expected)
	}
	if expected == nil {
		if shown != nil {
			return fmt.Sprintf("%s is %v, want null", path, shown), nil
		}
		return "", nil
	}
	want, err := fieldShown(f, expected.(string))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if !reflect.DeepEqual(shown, want) {
		return fmt.Sprintf("%s is %v, want %v", path, shown, want), nil
	}
	return "", nil
}

func listDifference(v *views.View, fields []*views.Field, path string, shown, expected any) (string, error) {
	s, _ := shown.([]any)
	e, _ := expected.([]any)
	for i := range min(len(s), len(e)) {
		d, err := objectDifference(v, fields, fmt.Sprintf("%s[%d]", path, i), s[i], e[i])
		if d != "" || err != nil {
			return d, err
		}
	}
	if s == nil || len(s) != len(e) {
		return fmt.Sprintf("%s has %d entries, want %d", path, len(s), len(e)), nil
	}
	return "", nil
}

// fieldShown is how GraphQL must show a field that PostgreSQL prints as text.
func fieldShown(f *views.Field, text string) (any, error) {
	if f.As != "" {
		return json.Number(text), nil
	}
	return asShown(f.Type, text)
}

// asShown is how GraphQL must show what PostgreSQL prints of a type.
func asShown(t relation.Type, text string) (any, error) {
	switch t.Kind {
	case relation.Int2, relation.Int4:
		return json.Number(text), nil
	case relation.Float4, relation.Float8:
		return floatShown(text)
	case relation.Bool:
		return strconv.ParseBool(text)
	case relation.Timestamp:
		return timestampShown(text)
	case relation.JSON:
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		err := decoder.Decode(&value)
		return value, err
	case relation.Array:
		return listShown(t, text)
	case relation.Bytes:
		value, err := hex.DecodeString(strings.TrimPrefix(text, `\x`))
		return base64.StdEncoding.EncodeToString(value), err
	case relation.Date:
		if strings.HasSuffix(text, "infinity") {
			return nil, nil
		}
		return text, nil
	case relation.Int8, relation.Decimal, relation.Text, relation.Enum, relation.UUID, relation.Interval:
		return text, nil
	}
	return nil, fmt.Errorf("the comparison does not know how %s is shown", t)
}

// floatShown: GraphQL has no NaN and no infinity.
func floatShown(text string) (any, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, err
	}
	return json.Number(text), nil
}

func timestampShown(text string) (any, error) {
	if strings.HasSuffix(text, "infinity") {
		return nil, nil
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999-07", text)
	return at.UTC().Format("2006-01-02T15:04:05.000000Z"), err
}

func listShown(t relation.Type, text string) (any, error) {
	value, err := relation.ParseText(t, text)
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, element := range value.List() {
		if element.IsNull() {
			shown = append(shown, nil)
			continue
		}
		s, err := asShown(relation.TypeOf(t.Elem), string(relation.AppendText(nil, element)))
		if err != nil {
			return nil, err
		}
		shown = append(shown, s)
	}
	return shown, nil
}
