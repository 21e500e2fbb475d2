package views

import "odsd/internal/yamlfile"

// readDimension reads one entry of `group_by`.
func readDimension(e yamlfile.Entry) *FieldDefinition {
	var bucket BucketDefinition
	given := map[string]yamlfile.Entry{}
	option := func(into *Text) func(yamlfile.Entry) {
		return func(e yamlfile.Entry) {
			given[e.Key.Value()] = e
			readText(e, into)
		}
	}
	f := readFieldAs(e, "a dimension", dimensionKinds, func(r *fieldReader) yamlfile.Keys {
		return yamlfile.Keys{
			"bucket": r.kind(ScalarField, func(e yamlfile.Entry) {
				r.field.Bucket = &bucket
				readExpression(e, &bucket.Of)
			}),
			"every":    option(&bucket.Every),
			"timezone": option(&bucket.Timezone),
		}
	})
	if f == nil || !e.Value.IsMapping() {
		return f
	}
	for _, key := range []string{"every", "timezone"} {
		switch option, found := given[key]; {
		case f.Bucket == nil && found:
			option.Key.Report(yamlfile.CodeUnknownKey, "it belongs to `bucket`", "`%s` means nothing for this dimension", key)
		case f.Bucket != nil && !found && e.Value.Sound():
			e.Key.Report(yamlfile.CodeMissingKey, bucketHint(key), "a bucket has no `%s`", key)
		}
	}
	f.failed = f.failed && !bucket.Of.Given()
	return f
}

func bucketHint(key string) string {
	if key == "every" {
		return "write how long a bucket is, as in `every: 1d`"
	}
	return "write whose days are meant, as in `timezone: Europe/Berlin`, or `timezone: UTC`"
}

// readMeasure reads one entry of `measures`.
func readMeasure(e yamlfile.Entry) *FieldDefinition {
	f := readFieldAs(e, "a measure", measureKinds, func(r *fieldReader) yamlfile.Keys {
		return r.aggregateKeys()
	})
	if f != nil && f.Kind == ScalarField && !f.Expr.Given() && !f.failed {
		f.failed = true
		f.Name.Node.Report(yamlfile.CodeShape, `as in {sum: total}, {count: "*"} or {expr: "revenue - costs"}`,
			"the measure %q needs an aggregate or an expression", f.Name.Value)
	}
	return f
}
