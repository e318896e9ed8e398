#include "rewind/autograd/engine/segments.h"

#include <algorithm>

#include "rewind/tensor/joining.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

struct Part {
  Index begin, end;
  Index time() const { return end - begin; }
};

// The steps of a part, as a scan of its own. Its random numbers are those that its steps have in
// the whole.
Scan part_of(const Scan& scan, Part part) {
  Scan result = scan;
  result.rows = std::make_shared<const RowSchedule>(scan.rows->part(part.begin, part.end));
  const Index busy = scan.rows->busy_steps(), own = result.rows->busy_steps();
  const Index before = scan.reverse ? std::max<Index>(busy - part.begin - own, 0) : part.begin;
  result.draws.first += static_cast<std::uint64_t>(before * scan.draws.each);
  return result;
}

}  // namespace

ScanResults apply_in_segments(const Scan& scan, const ScanInputs& in, Index segments) {
  const Index time = scan.rows->time(), count = std::min(segments, time);
  std::vector<Part> parts;
  std::vector<Tensors> inputs;
  for (Index i = 0; i < count; i++) {
    parts.push_back({i * time / count, (i + 1) * time / count});
    inputs.emplace_back();
    for (const Tensor& x : in.inputs) {
      inputs.back().push_back(slice(x, 0, parts.back().begin, parts.back().end));
    }
  }

  PreparedInputs prepared = prepare(*scan.recurrence, in);
  std::vector<Tensors> outputs(scan.recurrence->own_outputs());
  for (Tensors& y : outputs) y.resize(parts.size());
  for (Index k = 0; k < count; k++) {
    const auto i = static_cast<std::size_t>(scan.reverse ? count - 1 - k : k);
    prepared.in.inputs = std::move(inputs[i]);
    ScanResults results = apply_prepared(part_of(scan, parts[i]), prepared).results;
    prepared.records = 0;
    prepared.in.initial = std::move(results.last);
    for (std::size_t y = 0; y < outputs.size(); y++) outputs[y][i] = std::move(results.outputs[y]);
  }

  ScanResults results;
  results.last = std::move(prepared.in.initial);
  for (const Tensors& y : outputs) results.outputs.push_back(concat(y, 0));
  return results;
}

}  // namespace rw::engine
