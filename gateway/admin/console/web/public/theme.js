// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Runs before the first paint, so that a theme that was chosen does not flash.
try {
  const chosen = localStorage.getItem('dragoman.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // storage may be closed to us; the system's theme is used
}
