package access_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

func names(rt *rapid.T, label string) []access.Group {
	return rapid.SliceOf(rapid.SampledFrom([]access.Group{"api", "chat", "operator", "workspace", "API", "", "admin", "chat,api"})).Draw(rt, label)
}

func TestGroups_IsASet(t *testing.T) { // A4
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		given, others := names(rt, "given"), names(rt, "others")
		s, o := access.NewGroups(given...), access.NewGroups(others...)
		list := s.List()
		require.True(rt, slices.IsSorted(list))
		require.Len(rt, slices.Compact(slices.Clone(list)), len(list))
		require.Equal(rt, len(list) == 0, s.Empty())
		both := s.Intersect(o)
		for _, g := range []access.Group{"api", "chat", "operator", "workspace", "API", "", "admin", "chat,api"} {
			known := slices.Contains([]access.Group{"api", "chat", "operator", "workspace"}, g)
			require.Equal(rt, known, g.Known())
			require.Equal(rt, known && slices.Contains(given, g), s.Has(g), g)
			require.Equal(rt, s.Has(g) && o.Has(g), both.Has(g), g)
		}
		require.True(rt, both.Equal(o.Intersect(s)))
		require.Equal(rt, s.String() == o.String(), s.Equal(o))
		again, err := access.ParseGroups(s.String())
		require.NoError(rt, err)
		require.True(rt, s.Equal(again))
		if len(list) > 0 {
			list[0] = "changed"
			require.False(rt, s.Has("changed"), "the caller owns the slice")
		}
	})
	require.True(t, access.Groups{}.Equal(access.NewGroups()))
	require.True(t, access.Groups{}.Empty())
}

func TestParseGroups(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", " , ": "", "chat": "chat", " chat ,api,chat": "api,chat", "workspace,operator": "operator,workspace"} {
		got, err := access.ParseGroups(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.String())
	}
	for _, text := range []string{"chat,admin", "API", "chat;api", "\xff", "chat\x00"} {
		got, err := access.ParseGroups(text)
		require.Equal(t, "unknown_group", fault.CodeOf(err), "%q", text)
		require.Equal(t, "groups", fault.From(err).Param)
		require.True(t, got.Empty())
	}
}

func TestArea_Group(t *testing.T) { // A4
	t.Parallel()
	for area, want := range map[access.Area]access.Group{
		access.AreaChat: access.GroupChat, access.AreaAPI: access.GroupAPI, access.AreaWorkspace: access.GroupWorkspace, access.AreaOperator: access.GroupOperator,
		"": "", "attic": "", "CHAT": "",
	} {
		require.Equal(t, want, area.Group(), area)
	}
}
