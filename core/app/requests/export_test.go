package requests

// Zeros is how many leading zero bits a proof achieves.
var Zeros = zeros
