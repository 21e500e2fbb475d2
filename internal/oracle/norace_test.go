//go:build !race

package oracle

// raceFlag builds the daemon as the test itself was built.
const raceFlag = "-race=false"
