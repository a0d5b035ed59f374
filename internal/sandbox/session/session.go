// Package session is programs that are started as sessions of their own: they have
// no terminal, and can be ended with all that they have started.
package session
