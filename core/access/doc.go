// Package access says who may be let in where: accounts, their members, and
// the product groups that open the areas of the service.
//
// It keeps true that a set of groups is always sorted, free of duplicates and
// made of known names only. It decides nothing; package gates does.
package access
