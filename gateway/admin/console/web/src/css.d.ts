// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

declare module '*.css';
