// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iostream>
#include <vector>

namespace offramp_cli {

/// A line for each exit that adds the logits of the one before the encoder. An Exit has a layer and an ngram_weight.
template <class Exit>
void write_ngram_weights(const std::vector<Exit>& exits) {
  for (const Exit& exit : exits) {
    if (exit.ngram_weight != 0.0F) {
      std::cout << "layer " << exit.layer << " adds the logits of layer 0 times " << exit.ngram_weight << '\n';
    }
  }
}

}  // namespace offramp_cli
