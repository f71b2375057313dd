// What the guard runs. For /bin/sh as POSIX has it (dash, bash, busybox); tested with dash.

/**
 * Lines it understands: `set SLOT KIND NUMBER TEXT`, `drop SLOT`, `ping N` (it says N back). KIND is `fifo` or `link`
 * (number: the inode, text: the path), `unmount` (the folder) or `stop` (the pid and its start time). At the end of its
 * input the daemon is gone. Then it lets go on who was stopped, and takes away what is still ours.
 *
 * Whoever opens a FIFO without a daemon waits for a writer: it is opened for both here, taken away, and closed a moment
 * later, so that also those get an end of file who found its name just before.
 */
export const GUARD_SCRIPT = `trap '' INT TERM HUP QUIT PIPE
slots=0
while IFS= read -r line; do
  verb=\${line%% *}; line=\${line#* }
  slot=\${line%% *}; line=\${line#* }
  case $slot in ''|*[!0-9]*) continue;; esac
  case $verb in
    ping) echo "$slot";;
    drop) unset "kind_$slot" "number_$slot" "text_$slot";;
    set)
      kind=\${line%% *}; line=\${line#* }
      number=\${line%% *}; text=\${line#* }
      eval "kind_$slot=\\$kind number_$slot=\\$number text_$slot=\\$text"
      [ "$slot" -ge "$slots" ] && slots=$((slot + 1));;
  esac
done
exec </dev/null >/dev/null 2>&1
is_ours() {
  found=$(ls -di "$text") || return 1
  found=\${found#"\${found%%[! ]*}"}
  [ "\${found%% *}" = "$number" ]
}
at_end() {
  slot=0
  while [ "$slot" -lt "$slots" ]; do
    eval "kind=\\\${kind_$slot-} number=\\\${number_$slot-} text=\\\${text_$slot-}"
    [ "$kind" = "$1" ] && "$2"
    slot=$((slot + 1))
  done
}
go_on() {
  stat=$(cat "/proc/$number/stat") || return
  set -- \${stat##*) }
  [ "\${20}" = "$text" ] && kill -CONT "$number"
}
end_fifo() {
  [ -p "$text" ] && is_ours && chmod 600 "$text" || return
  { is_ours && rm -f "$text"; sleep 1; } 9<>"$text" &
}
end_link() {
  [ -h "$text" ] && is_ours && rm -f "$text"
}
end_mount() {
  fusermount3 -u -z -- "$text"
}
at_end stop go_on
at_end fifo end_fifo
at_end link end_link
at_end unmount end_mount
wait
`;
