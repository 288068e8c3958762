# Runs lines, each in a fresh tree, with every program replaced by a recorder. Process 1 of its own namespaces (user,
# mount, process, network); nothing of the machine can be written from here, and little can be seen.
#
# Called with a prepared root folder and an empty folder. Standard input: lines, each ended by a NUL. Standard output:
# the log; records `A` (a program's arguments), `F` (a file that was written), `T` (stopped), `E` (the line's end).

if [ "${1:-}" != inside ]; then
    set -eu
    base=$1 world=$2
    PATH=$PATH:/usr/sbin:/sbin
    mount -t tmpfs -o mode=755,size=256m soak "$world"
    cp -a "$base/." "$world/"
    mount -t proc proc "$world/proc"
    for device in null zero; do
        : > "$world/dev/$device"
        mount --bind "/dev/$device" "$world/dev/$device"
    done
    for folder in repo home/u tmp log; do
        mount -t tmpfs -o mode=755,size=64m soak "$world/$folder"
    done
    mount -o remount,ro "$world"
    cd "$world"
    exec chroot . /real/bash /driver.sh inside
fi

export HOME=/home/u PATH=/usr/local/bin:/usr/bin:/bin BASH_ENV=/rc TERM=dumb LANG=C.UTF-8
shopt -s globstar dotglob nullglob
exec 3<&0 4>&1 0</dev/null
/real/mkfifo /log/wait
exec 9<>/log/wait
: > /log/log

fresh() {
    /real/rm -rf /repo/* /home/u/* /tmp/*
    /real/cp -a /tree/repo/. /repo/
    /real/cp -a /tree/home/u/. /home/u/
}

fresh
while IFS= read -rd '' line <&3; do
    cd /repo
    (
        ulimit -t 2 -f 4096 -c 0
        exec /real/timeout -s KILL 2 /real/bash -c "$line" 3<&- 4>&- 9<&- >/dev/null 2>&1
    )
    [ $? = 137 ] && printf 'T0\n' >> /log/log
    # What it left running may still run something.
    for ((round = 0; round < 400; round++)); do
        others=(/proc/[0-9]*)
        ((${#others[@]} > 1)) || break
        read -rt 0.005 -u 9
    done
    if ((round == 400)); then
        kill -KILL -1
        printf 'T0\n' >> /log/log
    fi
    changed=
    for file in /repo/** /home/u/** /tmp/**; do
        if [[ -f $file && ! -L $file && $file -nt /stamp ]]; then
            changed=1
            LC_ALL=C
            printf 'F%d\n%s\0' "$((${#file} + 1))" "$file" >> /log/log
            unset LC_ALL
        fi
    done
    printf 'E0\n' >> /log/log
    [ -n "$changed" ] && fresh
done
/real/cat /log/log >&4
