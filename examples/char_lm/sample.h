// What a trained model is used for: writing, and measuring a text.
#pragma once

#include "model.h"

namespace char_lm {

struct SampleOptions {
  std::string model;
  std::string prompt;
  Index length = 400;
  double temperature = 0.8;  // 0: always the likeliest character
  Index seed = 0;
};

// The prompt and `length` characters after it.
std::string sample(const SampleOptions& options);

// Bits per character of a text file under the model. A long text is read as up to 64 columns side
// by side, of 4096 characters and more, each as a text of its own.
double evaluate(const std::string& model, const std::string& text);

}  // namespace char_lm
