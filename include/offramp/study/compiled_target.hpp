// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(OFFRAMP_HEADER_ONLY)
#error "offramp::header_only classifies; offramp/study/ is compiled only: link offramp::offramp"
#endif
