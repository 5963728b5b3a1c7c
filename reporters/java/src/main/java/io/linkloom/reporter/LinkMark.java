package io.linkloom.reporter;

import io.linkloom.reporter.core.Bytes;
import java.util.Objects;

/**
 * The name of an execution: what the business calls the thing, which link is being run, and one run of it.
 *
 * <p>Each id is 1 to 256 bytes of UTF-8. A mark that is not so is kept as it was given ({@link #isValid()} is false): reports made with it
 * are written without mark, with what was given in their attributes, so that nothing is lost.
 */
public final class LinkMark {
    private static final int ID_BYTES_MAX = 256;

    private final String businessId;
    private final String sceneId;
    private final String executionId;
    private final boolean valid;
    private byte[] members;

    public LinkMark(String businessId, String sceneId, String executionId) {
        this.businessId = businessId;
        this.sceneId = sceneId;
        this.executionId = executionId;
        this.valid = isId(businessId) && isId(sceneId) && isId(executionId);
    }

    /**
     * Reads the text form {@code businessId_sceneId_executionId}, cut at its last two {@code _}; null if the text is no mark.
     */
    public static LinkMark parse(String text) {
        if (text == null) {
            return null;
        }
        int last = text.lastIndexOf('_');
        int before = last <= 0 ? -1 : text.lastIndexOf('_', last - 1);
        if (before < 0) {
            return null;
        }
        LinkMark mark = new LinkMark(text.substring(0, before), text.substring(before + 1, last), text.substring(last + 1));
        return mark.valid ? mark : null;
    }

    /** The text form; null if there is none: an invalid mark, or a {@code _} in scene or execution id. */
    public String text() {
        if (!valid || sceneId.indexOf('_') >= 0 || executionId.indexOf('_') >= 0) {
            return null;
        }
        return businessId + '_' + sceneId + '_' + executionId;
    }

    public String businessId() {
        return businessId;
    }

    public String sceneId() {
        return sceneId;
    }

    public String executionId() {
        return executionId;
    }

    /** Whether all three ids are there and of a length the format allows. */
    public boolean isValid() {
        return valid;
    }

    /** Whether no id was given at all, which is the same as no mark. */
    public boolean isNothing() {
        return businessId == null && sceneId == null && executionId == null;
    }

    /** The three members of a report, {@code "businessId":…,"sceneId":…,"executionId":…,}; made once. Only for valid marks. */
    public byte[] members() {
        byte[] made = members;
        if (made == null) {
            Bytes bytes = new Bytes(128);
            bytes.ascii("\"businessId\":").string(businessId);
            bytes.ascii(",\"sceneId\":").string(sceneId);
            bytes.ascii(",\"executionId\":").string(executionId).ascii(",");
            made = bytes.copy();
            members = made;
        }
        return made;
    }

    private static boolean isId(String id) {
        return id != null && !id.isEmpty() && Bytes.fits(id, ID_BYTES_MAX);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof LinkMark)) {
            return false;
        }
        LinkMark that = (LinkMark) other;
        return Objects.equals(businessId, that.businessId)
                && Objects.equals(sceneId, that.sceneId)
                && Objects.equals(executionId, that.executionId);
    }

    @Override
    public int hashCode() {
        return Objects.hash(businessId, sceneId, executionId);
    }

    @Override
    public String toString() {
        String text = text();
        return text != null ? text : businessId + " / " + sceneId + " / " + executionId;
    }
}
