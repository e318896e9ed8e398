// Training: windows of parallel streams, the state carried from window to window.
#pragma once

#include "model.h"

namespace char_lm {

struct TrainOptions {
  std::string text;
  Config config;  // without symbols, which the text tells
  Index batch = 50;
  Index time = 50;
  Index epochs = 1;
  double minutes = 0;  // stop after so many, as if interrupted; 0: no limit
  double learning_rate = 2e-3;
  double clip = 5;
  Index seed = 0;
  Index threads = 0;  // 0: as many as the machine offers
  std::string out = "model.safetensors";
  std::string metrics;  // JSON lines, one per epoch; empty: none
  bool resume = false;
};

// Trains, evaluates after each epoch, and saves `out` after each. SIGINT or SIGTERM make it save
// and stop after the step it is at; then it returns false. When its minutes are over it does the
// same and returns true. With `resume` it goes on where `out` stands, to the same bits as if it had
// not been interrupted. Throws before anything is written when an option, the text or a file is
// wrong.
bool train(const TrainOptions& options);

}  // namespace char_lm
