#!/bin/sh
# Runs on the VPS, as root. $1 is the public key of whoever deploys.
set -eu

id deploy >/dev/null 2>&1 || useradd --create-home --shell /bin/bash deploy
usermod --append --groups docker deploy
install -d -m 700 -o deploy -g deploy /home/deploy/.ssh
printf '%s\n' "$1" > /home/deploy/.ssh/authorized_keys
chown deploy:deploy /home/deploy/.ssh/authorized_keys
chmod 600 /home/deploy/.ssh/authorized_keys
echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy
chmod 440 /etc/sudoers.d/deploy
install -d -m 755 -o deploy -g deploy /srv/shop
# goal: ssh-locked

# Of several files the first one that names a setting wins; the provider's begins with 50.
cat > /etc/ssh/sshd_config.d/10-shop.conf <<'END'
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
END
sshd -t
systemctl reload ssh
# end
# goal: firewall

# A table of our own: the engine has its rules beside it, and they stay.
cat > /etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
table inet shop
delete table inet shop
table inet shop {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport { 22, 80, 443 } accept
    }
}
END
nft -f /etc/nftables.conf
# goal: reboot
systemctl enable nftables
# end
# end
