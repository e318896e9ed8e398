// What a training reaches in each epoch, as lines of JSON in a file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace char_lm {

// A line is on disk before the model of its epoch is saved. A run that dies between the two leaves
// one line more than its model knows; the resumed run, which comes to the same numbers, replaces
// that line. So a run and its resumptions together leave each epoch once, in order: the lines of a
// run that never stopped, except for the speed.
class Metrics {
 public:
  // No path: no metrics. `resumed`: whether the file may hold the line of an epoch that was lost.
  Metrics(std::string path, bool resumed);

  // A line that cannot be written is lost and stops nothing. Lines of other runs stay as they are.
  void add(const nlohmann::ordered_json& line);

  // Throws FileError when a line was lost.
  void require_written() const;

 private:
  std::string path_;
  bool resumed_;
  int failure_ = 0;  // errno of the first line that was lost
};

}  // namespace char_lm
