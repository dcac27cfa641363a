import { mount } from 'svelte';
import { appearance } from '../design/appearance.svelte.ts';
import '../design/base.css';
import { speech } from '../i18n/index.svelte.ts';
import App from './App.svelte';

const target = document.getElementById('page');
if (target === null) throw new Error('the page has no #page to live in');

appearance.begin();
speech.mark();
mount(App, { target });
