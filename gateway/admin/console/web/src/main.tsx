// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

import { render } from 'preact';

import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/views.css';
import './styles/try.css';
import { App } from './app';

render(<App />, document.getElementById('app')!);
