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

// Trains, evaluates after each epoch, and saves `out` after each. SIGINT, SIGTERM or SIGHUP make it
// save and stop after the step, of training or of evaluation, that it is at; then it returns false.
// A second SIGINT or SIGTERM ends the program at once. When its minutes are over (counted
// from the first step of this run, evaluations after epochs included) it does the same and returns
// true. What was saved within an epoch is evaluated as it is and has no line in the metrics: that
// comes when the epoch is finished.
//
// With `resume` it goes on where `out` stands, to the same bits and metrics (metrics.h) as if it
// had not been interrupted. Without, `out` must not exist.
//
// Throws before anything is written when an option, the text or a file is wrong. Reports that
// cannot be written stop nothing; metrics that were lost are thrown as FileError at the end, when
// the model is saved.
bool train(const TrainOptions& options);

}  // namespace char_lm
