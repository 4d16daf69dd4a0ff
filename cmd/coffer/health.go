package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is below the timeout that containers usually give the command.
const healthTimeout = 3 * time.Second

func newHealth(l *loader) *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the server on this machine whether it lives, for a container's health check", Args: usageArgs(cobra.NoArgs), Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := l.load()
			if err != nil {
				return err
			}
			base, err := cfg.LocalURL()
			if err != nil {
				return err
			}
			return checkHealth(cmd.Context(), base+"/healthz")
		},
	}
}

func checkHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	// Without a proxy: this is about the machine itself.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answers %s", url, res.Status)
	}
	return nil
}
