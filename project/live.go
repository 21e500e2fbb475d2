package project

import "odsd/internal/yamlfile"

// Finding places what only the running database could tell at the source's
// file: at the table, where it is listed there, else at the source's name.
func (s *Source) Finding(table, code, hint, message string) []yamlfile.Diagnostic {
	at := s.name
	for i, listed := range s.Tables {
		if listed == table {
			at = s.tables[i]
		}
	}
	at.Report(code, hint, "%s", message)
	return s.file.Take()
}

// File is the source's file, as findings name it.
func (s *Source) File() string { return s.file.Name }

// ConfigFile is the name of odsd.yaml, as findings name it.
const ConfigFile = configFile
