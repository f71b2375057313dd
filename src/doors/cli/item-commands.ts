// Items: the rows of what people type. What they do is loaded when one of them is run.

import { CATEGORIES } from '../../core/item.ts';
import { RECIPE_WORD } from '../../core/recipe.ts';
import type { Command, Flag } from './command.ts';
import { UNMASKABLE_FLAG } from './unmaskable.ts';

const SSH_KIND = /^(?:ed25519|rsa(?:[,-](?:2048|3072|4096))?)$/i;

const ITEM = { name: 'ITEM', names: 'item' } as const;
const ASSIGNMENT = { name: 'ASSIGNMENT', isRepeated: true } as const;
const VAULT: Flag = {
  value: 'VAULT',
  names: 'vault',
  help: 'the vault it is in, by name or id; needed where a title is there twice',
};
const TAGS: Flag = { value: 'TAGS', takesEmpty: true, help: 'tags, with commas between them; none for an empty text' };
const GENERATE: Flag = {
  value: 'RECIPE',
  optional: { accepts: RECIPE_WORD, default: 'password:24' },
  help: 'make a password nobody has seen: password:24, letters,digits,symbols,32, hex:32, base64:32 or uuid',
};

const ASSIGNMENTS_DETAILS =
  'An ASSIGNMENT is [section.]field[type]=VALUE. Types: text, password, email, url, date, monthYear, phone, otp, sshkey,\n' +
  'notes; a field that is not built in and has no type is a password. A backslash stands before . = [ \\ in a name.\n' +
  '  field=-             takes the value from standard input, byte for byte less one final newline\n' +
  '  field               without = asks for the value at the terminal\n' +
  '  field[text]=VALUE   for what is not secret\n' +
  '  name[file]=PATH     attaches a file; [file]=PATH keeps its name\n' +
  'A secret is never an argument: arguments are visible to every program of this machine. Passwords, one-time\n' +
  'passwords, keys and notes come from standard input or the terminal.';

export const ITEM_COMMANDS: readonly Command[] = [
  {
    path: ['item', 'create'],
    args: [ASSIGNMENT],
    flags: {
      vault: {
        value: 'VAULT',
        names: 'vault',
        help: 'the vault to make it in; may be left out when there is only one',
      },
      title: { value: 'TITLE', help: 'what it is called' },
      category: { value: 'CATEGORY', choices: CATEGORIES, help: 'what it is; login when nothing else is said' },
      tags: TAGS,
      unmaskable: UNMASKABLE_FLAG,
      'generate-password': GENERATE,
      'ssh-generate-key': {
        value: 'KIND',
        optional: { accepts: SSH_KIND, default: 'ed25519' },
        help: 'make a key nobody has seen: ed25519, or rsa with ,2048 ,3072 or ,4096',
      },
    },
    help: 'make an item; secrets are typed at the terminal or come from standard input',
    details: ASSIGNMENTS_DETAILS,
    example:
      'keystile item create --vault work --title GitHub username=octocat --generate-password\n' +
      'gh auth token | keystile item create --title gh --category api-credential credential=-',
    run: async (call) => await (await import('./item-write.ts')).createItem(call),
  },
  {
    path: ['item', 'edit'],
    args: [ITEM, ASSIGNMENT],
    flags: {
      vault: VAULT,
      title: { value: 'TITLE', help: 'another title' },
      tags: TAGS,
      unmaskable: UNMASKABLE_FLAG,
      'generate-password': GENERATE,
    },
    help: 'change an item; what it was stays as an earlier version',
    details: `${ASSIGNMENTS_DETAILS}\n  field[delete]       removes a field or a file`,
    example: 'keystile item edit GitHub username=hubot --generate-password',
    run: async (call) => await (await import('./item-write.ts')).editItem(call),
  },
  {
    path: ['item', 'list'],
    flags: {
      vault: { value: 'VAULT', names: 'vault', help: 'only of this vault' },
      category: { value: 'CATEGORY', choices: CATEGORIES, help: 'only of this category' },
      tags: { value: 'TAGS', help: 'only those with one of these tags' },
      archived: { help: 'those in the archive instead' },
    },
    help: 'list items by title; never a value',
    example: 'keystile item list --vault work --format json',
    run: async (call) => await (await import('./item-show.ts')).listItems(call),
  },
  {
    path: ['item', 'get'],
    args: [ITEM],
    flags: {
      vault: VAULT,
      fields: { value: 'FIELDS', help: 'only these, with commas between them: label, id or section.label' },
      reveal: { help: 'show the values; asks for the passphrase' },
      otp: { help: 'show the one-time password of this moment; asks for the passphrase' },
    },
    exclusive: [['reveal', 'otp']],
    help: 'show the fields of an item and whether each is set; values only with --reveal',
    example: 'keystile item get GitHub --fields password --reveal',
    run: async (call) => await (await import('./item-show.ts')).getItem(call),
  },
  {
    path: ['item', 'history'],
    args: [ITEM],
    flags: { vault: VAULT },
    help: 'list the versions of an item that are kept',
    example: 'keystile item history GitHub',
    run: async (call) => await (await import('./item-show.ts')).showHistory(call),
  },
  {
    path: ['item', 'restore'],
    args: [ITEM],
    flags: { vault: VAULT, version: { value: 'N', help: 'the version whose content it gets' } },
    help: 'give an item the content of an earlier version; that makes a new version',
    example: 'keystile item restore GitHub --version 3',
    run: async (call) => await (await import('./item-write.ts')).restoreItem(call),
  },
  {
    path: ['item', 'archive'],
    args: [ITEM],
    flags: { vault: VAULT },
    help: 'put an item into the archive, where references find it by its id only',
    example: 'keystile item archive GitHub',
    run: async (call) => await (await import('./item-write.ts')).archiveItem(call, true),
  },
  {
    path: ['item', 'unarchive'],
    args: [{ name: 'ID' }],
    help: 'take an item out of the archive again',
    example: 'keystile item unarchive item_0123456789abcdefghjk',
    run: async (call) => await (await import('./item-write.ts')).archiveItem(call, false),
  },
  {
    path: ['item', 'delete'],
    args: [ITEM],
    flags: { vault: VAULT },
    help: 'delete an item with its values, files and versions',
    example: 'keystile item delete GitHub',
    run: async (call) => await (await import('./item-write.ts')).deleteItem(call),
  },
  {
    path: ['item', 'file', 'save'],
    args: [ITEM, { name: 'FILE' }],
    flags: {
      vault: VAULT,
      section: { value: 'SECTION', help: 'the section it is in; needed where a name is there twice' },
      'out-file': { value: 'PATH', help: 'the file to write, 0600; without it, the name it has, in this folder' },
      force: { help: 'also over a file that is there' },
    },
    help: 'write a file of an item to the disk; asks for the passphrase',
    details: 'FILE is its name or id.',
    example: 'keystile item file save passport scan.pdf --out-file /dev/shm/scan.pdf',
    run: async (call) => await (await import('./item-files.ts')).saveFile(call),
  },
];
