package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/seed-755a8038/coffer"
)

func newConfig(l *loader) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force and where each value comes from, secrets hidden",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := l.load()
			if err != nil {
				return err
			}
			cfg.warn(cmd.ErrOrStderr())
			if asJSON {
				return cfg.writeJSON(cmd.OutOrStdout())
			}
			return cfg.writeYAML(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// shownSetting is one setting as JSON.
type shownSetting struct {
	Value  any    `json:"value"`
	Source string `json:"source"`
	Env    string `json:"env"`
	Help   string `json:"help"`
}

func (l *loaded) writeJSON(w io.Writer) error {
	all := make(map[string]shownSetting)
	for _, s := range coffer.Settings() {
		all[s.Key] = shownSetting{s.Get(&l.Config), l.sources[s.Key], s.Env(), s.Help}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(all); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// writeYAML prints a coffer.yaml with a comment on each line that says where the
// value comes from and which variable sets it.
func (l *loaded) writeYAML(w io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	if l.file != "" {
		root.HeadComment = "file: " + l.file
	}
	for _, s := range coffer.Settings() {
		parent, key := root, s.Key
		if section, name, ok := strings.Cut(s.Key, "."); ok {
			parent, key = child(root, section), name
		}
		var value yaml.Node
		if err := value.Encode(s.Get(&l.Config)); err != nil {
			return fmt.Errorf("write %s: %w", s.Key, err)
		}
		value.LineComment = l.sources[s.Key] + ", " + s.Env()
		if value.Kind == yaml.SequenceNode {
			value.Style = yaml.FlowStyle
		}
		parent.Content = append(parent.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &value)
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// child returns the section of that name, which it makes if it is not there.
func child(root *yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value == name {
			return root.Content[i+1]
		}
	}
	section := &yaml.Node{Kind: yaml.MappingNode}
	root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, section)
	return section
}
