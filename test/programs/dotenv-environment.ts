// Prints its environment as `env -0` does; with an argument, after process.loadEnvFile of that file.

const [file] = process.argv.slice(2);
if (file !== undefined) process.loadEnvFile(file);
for (const [name, value] of Object.entries(process.env)) process.stdout.write(`${name}=${value ?? ''}\0`);
