// What each operation of a loop is run as.
#pragma once

#include <optional>
#include <set>

#include "rewind/autograd/engine/compile/loop_body.h"
#include "rewind/autograd/engine/compile/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

enum class Form : char {
  none,      // not of the loop
  product,   // rows times a packed matrix
  element,   // an instruction of an element program
  view,      // a part of another value's place: no work at all
  join,      // values side by side: no work where they are made there
  ordinary,  // by its own kernel
};

class Forms {
 public:
  // Those in `refused` are not run in element programs.
  Forms(const LoopBody& body, const ProgramOptions& options, const std::set<int>& refused);

  Form of(int n) const { return forms_[at(n)]; }
  Form of_value(ValueId value) const;
  bool heavy(int n) const { return of(n) == Form::product || of(n) == Form::ordinary; }

  // Of a view: where it begins in what it views.
  Index first_column(int n) const;
  // Of element-wise work: the dtype in which it calculates.
  Dtype number_dtype(const Graph::Node& node) const;

  // How a kernel steps through x beside a result y, where it can.
  struct Steps {
    bool by_row, by_column;
  };
  std::optional<Steps> steps(ValueId x, ValueId y, Dtype dtype) const;

 private:
  Form form(const Graph::Node& node, bool refused) const;
  bool runs_packed(const Graph::Node& node) const;
  bool is_contiguous_part(const Graph::Node& node) const;
  bool is_join(const Graph::Node& node) const;
  bool is_element(const Graph::Node& node) const;
  bool makes_mask(ValueId value) const;
  void keep_masks_inside();

  const LoopBody& body_;
  const ProgramOptions& options_;
  std::vector<Form> forms_;  // by node
};

}  // namespace engine
}  // namespace rw
