// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Solves systems with the program's own Eigen, whose matrices are aligned as the program's flags say.
void use_own_eigen();
