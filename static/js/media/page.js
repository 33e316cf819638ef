/* Media on a page that does not change: a manager's. */

import { mountMedia } from "./mount.js";

mountMedia(document.querySelector("main"));
