import access from './access.json';
import chat from './chat.json';
import common from './common.json';
import keys from './keys.json';
import members from './members.json';
import sessions from './sessions.json';
import setup from './setup.json';

/** What the server says, by its codes. */
export { default as told } from './told.json';

export default { access, chat, common, keys, members, sessions, setup };
