package main

import (
	"fmt"
	"strconv"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server/attrs"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"
)

// The variables hang in groups `g0` …, the groups in areas `a0` …, the areas in `all`.
const inGroup, inArea = 100, 10_000

func (l *load) browse(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	request := r.(*ua.BrowseRequest)
	if err := l.limits.check(len(request.NodesToBrowse), l.limits.browse); err != nil {
		return nil, err
	}
	results := make([]*ua.BrowseResult, len(request.NodesToBrowse))
	for at, asked := range request.NodesToBrowse {
		results[at] = l.space.below(asked.NodeID)
	}
	return &ua.BrowseResponse{
		ResponseHeader:  header(request.RequestHeader.RequestHandle, ua.StatusOK),
		Results:         results,
		DiagnosticInfos: []*ua.DiagnosticInfo{},
	}, nil
}

// below gives the children of a node of ours, whatever is asked; nothing lies below variables.
func (space *variableSpace) below(node *ua.NodeID) *ua.BrowseResult {
	name := node.StringID()
	if node.Namespace() != space.ID() || name == "" {
		return &ua.BrowseResult{StatusCode: ua.StatusBadNodeIDUnknown}
	}
	number, _ := strconv.Atoi(name[1:])
	references := []*ua.ReferenceDescription{}
	add := func(prefix string, class ua.NodeClass, from, to, step int) {
		for at := from; at < min(to, space.count); at += step {
			references = append(references, space.reference(fmt.Sprint(prefix, at/step), class))
		}
	}
	switch name[0] {
	case 'a':
		if name == "all" {
			add("a", ua.NodeClassObject, 0, space.count, inArea)
		} else {
			add("g", ua.NodeClassObject, number*inArea, (number+1)*inArea, inGroup)
		}
	case 'g':
		add("v", ua.NodeClassVariable, number*inGroup, (number+1)*inGroup, 1)
	}
	return &ua.BrowseResult{StatusCode: ua.StatusOK, References: references}
}

func (space *variableSpace) reference(name string, class ua.NodeClass) *ua.ReferenceDescription {
	browseName := attrs.BrowseName(name)
	browseName.NamespaceIndex = space.ID()
	return &ua.ReferenceDescription{
		ReferenceTypeID: ua.NewNumericNodeID(0, id.Organizes),
		IsForward:       true,
		NodeID:          ua.NewStringExpandedNodeID(space.ID(), name),
		BrowseName:      browseName,
		DisplayName:     attrs.DisplayName(name, ""),
		NodeClass:       class,
		TypeDefinition:  ua.NewTwoByteExpandedNodeID(0),
	}
}
