package io.linkloom.reporter.spring;

import io.linkloom.reporter.LinkContext;
import org.springframework.core.task.TaskDecorator;

/** Carries the context to the threads of {@code @Async}: set it on the {@code ThreadPoolTaskExecutor}; Spring Boot finds it as a bean. */
public class LinkTaskDecorator implements TaskDecorator {
    @Override
    public Runnable decorate(Runnable task) {
        return LinkContext.wrap(task);
    }
}
