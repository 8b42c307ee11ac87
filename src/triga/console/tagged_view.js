// A text with its entities marked, the types of entities with their counts, and the entities as a list. What comes in is
// plain words, put in as text: nothing of it is read as markup. Vue changes in place what differs, so nothing flickers.
export default {
  props: { types: Array, pieces: Array, rows: Array, says: Object },
  // White space counts within tg-marked: there, tags are broken instead of lines.
  template: `
    <div class="tg-tagged">
      <ul class="tg-types" :aria-label="says.types">
        <li v-for="type in types" :key="type.label" :class="{ 'tg-none': !type.count }">
          <bdi :class="['tg-type', 'tg-hue-' + type.hue]">{{ type.label }}</bdi>
          <span class="tg-count">{{ type.count }}</span>
        </li>
      </ul>
      <div class="tg-marked" dir="auto" tabindex="0" role="group" :aria-label="says.text"
        ><template v-for="piece in pieces"
          ><mark v-if="piece.label" :class="['tg-mark', 'tg-hue-' + piece.hue]" :title="piece.percent"
            >{{ piece.text }}<span class="tg-said">&nbsp;<bdi class="tg-type">{{ piece.label }}</bdi></span></mark
          ><template v-else>{{ piece.text }}</template></template
      ></div>
      <ol class="tg-bars" v-if="rows.length" :aria-label="says.list">
        <li v-for="row in rows" class="tg-bar">
          <div class="tg-bar-head">
            <span class="tg-label" dir="auto">{{ row.text }}</span>
            <bdi :class="['tg-type', 'tg-hue-' + row.hue]">{{ row.label }}</bdi>
            <span class="tg-number">{{ row.percent }}</span>
          </div>
          <div class="tg-track" aria-hidden="true">
            <div :class="['tg-fill', 'tg-hue-' + row.hue]" :style="{ width: row.percent }"></div>
          </div>
        </li>
      </ol>
    </div>
  `,
};
