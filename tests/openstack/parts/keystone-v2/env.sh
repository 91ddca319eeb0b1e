# shellcheck shell=bash disable=SC2034
PART=keystone-v2
# shellcheck source=../env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
H=$HOME_OF_PART
R=$RUN
P_KSV2=15500
P_KSV2_ADMIN=15535
KSV2=http://127.0.0.1:$P_KSV2
KSV2_ADMIN=http://127.0.0.1:$P_KSV2_ADMIN
unset OS_KEYSTONE_CONFIG_FILES
