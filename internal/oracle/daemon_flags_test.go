package oracle

// raceFlag builds the daemon without the race detector even where the test has it:
// with it the store checks itself at every step and is too slow for the writers
// here. The packages' own tests run the same code under it.
const raceFlag = "-race=false"
