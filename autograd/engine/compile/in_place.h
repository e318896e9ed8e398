// What is made in the place where it is wanted, so that nothing is copied or added afterwards.
//
// Parts of what is put side by side are made side by side. A product is added onto the sum that it
// belongs to, where the rest of that sum stands in memory that nobody else reads; a chain of them
// begins with work done before the loop, with another product, or with element-wise work.
#pragma once

#include <map>

#include "rewind/autograd/engine/compile/forms.h"
#include "rewind/tensor/views.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// A part of a join that is made elsewhere.
struct JoinCopy {
  ValueId part, whole;
  Index column;
  int node;  // of the join
};

// Whether an operation takes a slice of the same axis that has nothing in common with `other`.
bool is_slice_beside(const Operation& operation, const Slice& other);

class InPlace {
 public:
  // Where a sum begins changes its last bits. With `like` they begin where they do there, in
  // another arrangement of the same step.
  InPlace(const LoopBody& body, const Forms& forms, const ProgramOptions& options,
          const InPlace* like = nullptr);

  struct Inside {
    ValueId whole;
    Index column;
  };
  // Of a part that is made inside of a whole; else null.
  const Inside* inside(ValueId part) const;
  // Of a product that is added onto something: what; else -1. Of a sum that so comes about: the
  // term in whose place it does.
  ValueId added_onto(ValueId product) const { return look_up(added_onto_, product); }
  ValueId sum_begins_with(ValueId sum) const { return look_up(sums_, sum); }
  // The reverse of added_onto.
  ValueId product_added_onto(ValueId term) const { return look_up(products_, term); }

  const std::vector<JoinCopy>& copies() const { return copies_; }
  bool needs_stack(ValueId whole) const { return needs_stack_.contains(whole); }

  // Whether a value stands in memory that only its readers in the loop look at.
  bool is_private(ValueId value) const;

 private:
  static ValueId look_up(const std::map<ValueId, ValueId>& map, ValueId value) {
    const auto found = map.find(value);
    return found == map.end() ? -1 : found->second;
  }
  void plan_join(int n);
  void plan_addition(int n);
  bool may_add_onto(ValueId term, ValueId product, ValueId sum) const;
  bool is_own(ValueId value) const;
  bool is_private_part(const Graph::Node& part) const;
  bool is_result(ValueId value) const;
  bool read_outside(ValueId value) const;

  const LoopBody& body_;
  const Forms& forms_;
  const InPlace* const like_;
  std::map<ValueId, Inside> inside_;
  std::set<ValueId> needs_stack_;
  std::vector<JoinCopy> copies_;
  std::map<ValueId, ValueId> added_onto_, sums_, products_;
};

}  // namespace engine
}  // namespace rw
