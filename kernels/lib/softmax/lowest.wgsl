// Where the search for the largest value starts. It is finite, so that a part in which all is masked by −∞ adds zero to
// the sum of its row.
const lowest = -3.4e38;
