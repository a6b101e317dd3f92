// Package boot is what the mains share: configuration from flags, variables
// and a file, logging without secrets, HTTP servers with limits, generated
// secrets, and the order in which a server starts, drains and stops.
//
// It keeps true that
//   - a setting is taken from its flag, else its ARCHIBOT_ variable, else the
//     YAML file, else its default, and all faults are reported at once;
//   - outside environment local no secret, upstream or price file is made up;
//   - in environment local nothing listens beyond the machine itself;
//   - a [Secret] is printed by no format verb, encoder or log handler.
//
// It wires nothing: which adapters stand behind the ports is a main's affair.
package boot
